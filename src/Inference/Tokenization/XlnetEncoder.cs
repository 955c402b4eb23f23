namespace AsArm.Inference.Tokenization;

/// <summary>Encodes like Hugging Face's slow XLNetTokenizer, the one in Python.</summary>
internal sealed class XlnetEncoder : ITextEncoder
{
    private const char Space = '\u2581';
    private const string Mask = "<mask>"; // removes the space before it

    private static readonly string[] s_special = ["<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", Mask, "<eop>", "<eod>"];

    private readonly SentencePieceEncoder _encoder;
    private readonly TextRules _rules;
    private readonly AddedTokenFinder _added;

    /// <summary>Builds the tables.</summary>
    /// <param name="encoder">The SentencePiece encoder.</param>
    /// <param name="rules">The settings.</param>
    public XlnetEncoder(SentencePieceEncoder encoder, TextRules rules)
    {
        (_encoder, _rules) = (encoder, rules);
        IEnumerable<(string, AddedToken)> tokens = rules.AddedTokens is null
            ? s_special.Select(name => (name, new AddedToken(encoder.IdOf(name), StripLeft: name == Mask)))
            : rules.AddedTokens.Select(token => (encoder.TextOf(token.Id), token));
        _added = new AddedTokenFinder(tokens, XlnetPreprocessing.IsSpace);
    }

    /// <summary>Appends the tokens of a text, which is split at added tokens; each section between them starts a word.</summary>
    /// <inheritdoc />
    public void Encode(string text, TextEdges edges, List<int> tokens, List<string>? unknownTexts = null)
    {
        if (_rules.DoLowerCase)
            text = _added.ChangeOutside(text, CaseMapping.LowerEach); // before splitting: <MASK> is <mask>
        foreach ((Range section, int? token) in _added.Split(text))
        {
            EncodeSection(text[section], edges, tokens, unknownTexts);
            if (token is not int id)
                continue;
            Add(_encoder.TextOf(id), id, tokens, unknownTexts);
            edges = TextEdges.Start;
        }
    }

    /// <summary>Appends the tokens of a section, in which no added tokens are matched.</summary>
    /// <inheritdoc cref="Encode" />
    public void EncodeSection(string text, TextEdges edges, List<int> tokens, List<string>? unknownTexts = null)
    {
        text = XlnetPreprocessing.Apply(text, _rules, keepsLeadingSpace: edges == TextEdges.Continuation);
        foreach ((string piece, int id) in _encoder.Pieces(text, edges))
        {
            if (_rules.SplitDigitCommas && DigitComma.Ends(piece))
                SplitComma(piece, tokens, unknownTexts);
            else
                Add(piece, IdOf(piece, id), tokens, unknownTexts);
        }
    }

    /// <summary>
    /// Splits a piece such as "10," into the pieces of "10" and a comma. Encoding "10" prepends a space mark, which is removed if the piece had
    /// none; the rest may then not be a piece.
    /// </summary>
    private void SplitComma(string piece, List<int> tokens, List<string>? unknownTexts)
    {
        string number = piece[..^1].Replace(Space.ToString(), "", StringComparison.Ordinal);
        List<(string Text, int Id)> pieces = _encoder.Pieces(number, TextEdges.Start);
        for (int i = 0; i < pieces.Count; i++)
        {
            (string text, int id) = pieces[i];
            if (i > 0 || piece[0] == Space || text[0] != Space)
                Add(text, IdOf(text, id), tokens, unknownTexts);
            else if (text.Length > 1)
                Add(text[1..], _encoder.IdOf(text[1..]), tokens, unknownTexts);
        }

        Add(",", _encoder.IdOf(","), tokens, unknownTexts);
    }

    private void Add(string piece, int id, List<int> tokens, List<string>? unknownTexts)
    {
        tokens.Add(id);
        if (id == _encoder.UnknownId)
            unknownTexts?.Add(piece);
    }

    /// <summary>Like Hugging Face, looks up pieces by name: unknown characters that together are the name of a special token become that token.</summary>
    private int IdOf(string piece, int id) => id == _encoder.UnknownId ? _encoder.IdOf(piece) : id;
}
