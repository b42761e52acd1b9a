"""What a program is, and what a run of it left behind. Imports neither torch nor any operator."""
