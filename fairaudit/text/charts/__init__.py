"""What charts say in words: alternative texts, and what stands where nothing can be drawn."""
