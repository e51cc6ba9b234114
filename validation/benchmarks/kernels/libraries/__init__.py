"""The contestants, one library a file; a library is imported when its function is called, in a process of its own."""
