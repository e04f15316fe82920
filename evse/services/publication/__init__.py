"""Publication of charge data records (EVlink commissioning guide DOCA0060, publication settings sub-tab).

At each due time the records that wait become one *report*, a CSV file with a name of its own. A report is delivered by
mail, FTP or HTTP; what could not be delivered is tried again every hour, 168 times, then dropped: the records stay in
the history. ``calendar`` knows the due times, ``report`` what is kept, ``publisher`` decides, ``smtp``, ``ftp`` and
``http`` deliver, ``service`` puts them together. Everything but the deliveries is pure or behind a port.
"""
