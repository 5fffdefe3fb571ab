"""What the window does, split by job: files, navigation, editing, categories, view, segmenting."""
