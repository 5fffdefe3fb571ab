"""What stands around the canvas; each panel shows what it is given and signals what was asked."""
