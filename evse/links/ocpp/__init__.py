"""The station as a charge point of OCPP 1.6 JSON: sans-I/O, time is an argument, text in and text out."""
