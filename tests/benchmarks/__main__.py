"""Print the table."""

from tests.benchmarks import imports, requests

if __name__ == "__main__":
    print("floor           dbusers   what")
    for concurrency, (floor, ratio) in requests.measure().items():
        print(f"{floor:6.1f} µs CPU   {ratio:.2f} x   GET one user, {concurrency} at once")
    floor, ratios = imports.measure()
    for statement, ratio in ratios.items():
        print(f"{floor:6.1f} ms CPU   {ratio:.2f} x   {statement}")
