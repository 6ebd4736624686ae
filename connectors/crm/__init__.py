"""One module or package per CRM behind one contract."""
