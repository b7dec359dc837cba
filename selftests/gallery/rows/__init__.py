"""The rows, one module per kind of file or promise that they break; each module found here is imported."""
