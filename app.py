"""The dashboard: `streamlit run app.py`, or `fairaudit up` with its supervisor."""

from fairaudit.ui import page_setup

page_setup.run()
