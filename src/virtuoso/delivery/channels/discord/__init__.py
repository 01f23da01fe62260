"""Discord: webhooks through discord.py; messages as one embed, edited in place, with a chart added later."""
