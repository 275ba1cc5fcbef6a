"""What the released model must be able to do, told as small cases of natural news Arabic; ``cases.py`` says how they are written.

After CheckList (Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList", ACL). Every event and
quotation in the cases is invented for this project. States, organisations and office holders are mostly real; private persons
and small companies are made up.
"""
