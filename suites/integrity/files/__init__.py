"""What lies in the directory: code, pickles, links, copies."""
