"""Work that outlives a screen: a job is a folder and a command."""
