"""What the portal can do, without a page in sight: each function takes a session and the person who asks."""
