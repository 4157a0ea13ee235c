"""What every other room stands on: errors, read-only arrays, rules that records share, error norms, points."""
