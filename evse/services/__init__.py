"""Services: records, authorisation, journal. They post Commands and read Snapshots and Events."""
