"""What buyers see: the payment page, receipts, invoices."""
