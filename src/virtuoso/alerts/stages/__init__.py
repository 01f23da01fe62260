"""What is worth telling: inhibit → silence → dedup → cooldown → group → route, each a pure function."""
