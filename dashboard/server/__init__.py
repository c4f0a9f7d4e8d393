"""The server around the pages: its log, its health address, the settings of its process, who asks and who can come in."""
