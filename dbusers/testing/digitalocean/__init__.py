"""DigitalOcean's side of the sandbox: its seeded clusters and the API over them."""
