"""A charge point on a central system: from settings and files of the station to the OCPP link."""
