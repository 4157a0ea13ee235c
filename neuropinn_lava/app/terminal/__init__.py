"""What commands print on a terminal: tables, progress bars, plans, reports of a conversion."""
