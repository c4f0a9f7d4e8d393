"""The server around the pages: its log, its health address, the settings of its process."""
