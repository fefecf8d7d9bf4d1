"""What is owed to the people behind the pseudonyms on paper: the privacy report, the dossier, the consent record, the papers."""
