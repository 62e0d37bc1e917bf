"""Keys of programs: what each may do, for which organization. Shown once, kept as a hash."""
