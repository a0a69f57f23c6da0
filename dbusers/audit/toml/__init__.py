"""TOML files that people write: `document` reads them, `lines` finds where each key stands."""
