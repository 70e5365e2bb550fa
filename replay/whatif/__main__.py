"""How does a trying process begin? `python -m replay.whatif`, started by `replay/whatif/crew.py` alone."""

from replay.whatif import crew

if __name__ == "__main__":
    crew.main()
