"""What a report holds, as records, and its forms as JSON, markdown, CSV rows and sentences."""
