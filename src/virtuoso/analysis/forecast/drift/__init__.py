"""Whether what is said still holds, found by what comes, and withdrawn where it does not."""
