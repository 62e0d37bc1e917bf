"""Other audit libraries, set up as their documentation says, held to the same cases. Each runs in a process of its own."""
