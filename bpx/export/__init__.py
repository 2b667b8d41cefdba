"""What a network becomes elsewhere: files and objects of other programs."""
