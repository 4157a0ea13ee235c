"""Reports: records, figures, and their forms as HTML, JSON, markdown and CSV."""
