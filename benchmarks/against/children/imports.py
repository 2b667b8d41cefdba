"""Print the seconds of processor time that ``import bpx`` takes in a fresh interpreter."""

from time import process_time

from start import begin


def main() -> None:
    """Import it, and print."""
    begin()
    began = process_time()
    import bpx  # noqa: F401 - what is timed

    print(process_time() - began)


if __name__ == "__main__":
    main()
