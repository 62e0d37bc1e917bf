"""From what a person typed to the entries they meant: query -> plan -> page."""
