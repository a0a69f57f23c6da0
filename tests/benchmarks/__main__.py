"""Print the table."""

from tests.benchmarks import imports, requests

if __name__ == "__main__":
    print("what                               floor          dbusers")
    for concurrency, (floor, ratio) in requests.measure().items():
        print(
            f"GET one user, {concurrency:2} at once           {floor:6.1f} µs CPU   {ratio:.2f} x"
        )
    floor, ratio = imports.measure()
    print(f"import                           {floor:6.1f} ms CPU   {ratio:.2f} x")
