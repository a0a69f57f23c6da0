"""Print the table."""

from tests.benchmarks import audit, chains, decoding, imports, requests

if __name__ == "__main__":
    print("floor           dbusers   what")
    for what, (floor, ratio) in requests.measure().items():
        print(f"{floor:6.1f} µs CPU   {ratio:.2f} x   {what}")
    floor, ratio = decoding.measure()
    print(f"{floor:6.2f} ms CPU   {ratio:.2f} x   decode 1,000 users")
    floor, ratio = decoding.measure_memory()
    print(f"{floor:6.1f} MB       {ratio:.2f} x   memory of 100,000 users")
    floor, ratios = imports.measure()
    for statement, ratio in ratios.items():
        print(f"{floor:6.1f} ms CPU   {ratio:.2f} x   {statement}")
    print(
        f"                {chains.measure():.2f} µs  client.databases.by_id(a).users.by_username(b)"
    )
    cost = audit.measure()
    for part, ratio in cost.ratios.items():
        print(f"{cost.floor:6.1f} µs CPU   {ratio:.2f} x   audit, a database of ten users: {part}")
