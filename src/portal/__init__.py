"""A real admin portal: organizations, users, licenses, configuration. Indelible's first customer."""
