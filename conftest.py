"""pytest's door: names the plugin modules; nothing else."""

import sys

# Installed, they are loaded through entry points already, and pytest refuses `pytest_plugins` wherever this file is not
# in its rootdir, as after `pytest --model /elsewhere`.
if "fixtures.plugin" not in sys.modules:
    pytest_plugins = ["fixtures.plugin", "reports.plugin"]
