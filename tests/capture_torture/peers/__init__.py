"""Other audit libraries, set up as their documentation says, held to the same cases, each in its own process."""
