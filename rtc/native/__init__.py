"""The ordinary packet's way in C: `pump.c` on a thread of its own, and how Python starts it, tells it what to do and hears of
the rest. Without the built library nothing here is used and every packet goes through Python. It must decide nothing that
rtc/source.py and rtc/leg.py do not decide in the same way."""
