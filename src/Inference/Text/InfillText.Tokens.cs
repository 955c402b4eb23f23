using System.Text;

namespace AsArm.Inference.Text;

/// <content>Parts whose tokens are given, not made of a text.</content>
internal sealed partial class InfillText
{
    private void AddTokens(IReadOnlyList<int> tokens, bool isMarked, int maskId)
    {
        if (isMarked && tokens.Count == 0)
            throw new InfillTextException("A marked span has no token.");
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_tokenizer.VocabularySize)
                throw new InfillTextException($"There is no token {token}: ids are from 0 to {_tokenizer.VocabularySize - 1}.");
            if (token == maskId)
                throw new InfillTextException($"The token {token} is the mask, which stands for an unknown token: use a gap.");
            if (isMarked && !_tokenizer.IsText(token))
                throw new InfillTextException($"The marked span has the token {token}, which is not text, so that the model cannot write it.");
        }

        bool isStart = _parts.TrueForAll(part => part.PrecedesText), precedesText = isStart && tokens.All(token => !_tokenizer.IsText(token));
        AddTokens(
            new Part(Show([.. tokens], _tokenizer, isStart))
            {
                IsTarget = isMarked,
                HasTokens = true,
                PrecedesText = precedesText,
                EndsInSpace = precedesText || _tokenizer.IsWhiteSpace(tokens[^1]), // the mark of the next word is no space then
            },
            tokens);
    }

    /// <summary>Text tokens decoded, others as the vocabulary writes them.</summary>
    /// <param name="tokens">Any tokens.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="isStart">Whether no text is before them.</param>
    public static string Show(ReadOnlySpan<int> tokens, InfillTokenizer tokenizer, bool isStart = true)
    {
        var text = new StringBuilder();
        for (int start = 0, end; start < tokens.Length; start = end)
        {
            bool isText = tokenizer.IsText(tokens[start]);
            end = start + 1;
            while (end < tokens.Length && tokenizer.IsText(tokens[end]) == isText)
                end++;
            ReadOnlySpan<int> run = tokens[start..end];
            if (isText)
                text.Append(isStart ? tokenizer.DecodeStart(run) : tokenizer.Decode(run));
            else
            {
                foreach (int token in run)
                    text.Append(tokenizer.PieceOf(token));
            }

            isStart &= !isText;
        }

        return text.ToString();
    }
}
