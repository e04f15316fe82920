"""Binary codecs: bytes to frames and back. The only importer of construct."""
