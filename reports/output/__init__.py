"""The verdict as text: terminal, Markdown, GitHub."""
