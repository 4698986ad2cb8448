"""The dashboard: `streamlit run app.py`, or `fairaudit up` with its supervisor."""

from fairaudit.ui import frame

frame.draw()
