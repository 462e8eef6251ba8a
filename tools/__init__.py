"""What is run once a year, or only by those who maintain lexclip."""
