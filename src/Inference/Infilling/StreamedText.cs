using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Makes the updates of a streamed request from what its forward passes have committed, on the thread of the caller who reads them.</summary>
/// <param name="text">The text at its first window; used by this object alone.</param>
internal sealed class StreamedText(WindowedText text)
{
    private int[] _tokens = text.Current.Tokens; // of the current window, by position
    private bool[] _committed = text.Current.Given;
    private int _gaps; // of earlier windows
    private int _targets; // that are committed
    private int _reported; // of them in the current window

    /// <summary>Whether there are gaps that are not filled.</summary>
    public bool HasMore { get; private set; } = true;

    /// <summary>The update after a forward pass, not marked as the final one.</summary>
    public InfillUpdate Next(SequenceProgress progress)
    {
        InfillText window = text.Current;
        List<CommittedToken> committed = Commit(progress);
        string[] gaps = window.DecodeGaps(_tokens, _committed);
        string filled = window.Fill(gaps);
        string whole = text.WithCurrent(filled);
        int stable = text.Start + window.StableLength(_tokens, _committed, out bool isComplete);
        if (isComplete)
            stable += text.GivenAfter - (text.MayMoveSpace && whole[stable + text.GivenAfter - 1] == ' ' ? 1 : 0);
        var update = new InfillUpdate(whole, progress.Statistics, IsFinal: false) { Committed = committed, StableLength = stable };
        if (progress.IsComplete)
            MoveNext(filled, gaps.Length);
        return update;
    }

    private List<CommittedToken> Commit(SequenceProgress progress)
    {
        int[] positions = [.. progress.Order.Positions.Slice(progress.Order.GivenCount + _reported, progress.Tokens.Length)];
        _reported += positions.Length;
        for (int i = 0; i < positions.Length; i++)
            (_tokens[positions[i]], _committed[positions[i]]) = (progress.Tokens[i], true);
        var tokens = new List<CommittedToken>();
        for (int i = 0; i < positions.Length; i++)
        {
            (int gap, int index) = text.Current.PlaceOf(positions[i]);
            string shown = text.Current.TokenText(positions[i], _tokens, _committed);
            tokens.Add(new CommittedToken(_gaps + gap, index, new TokenScore(progress.Tokens[i], shown, progress.LogProbabilities[i], _targets++)));
        }

        return tokens;
    }

    private void MoveNext(string filled, int gaps)
    {
        _gaps += gaps;
        HasMore = text.MoveNext(filled);
        (_tokens, _committed, _reported) = (text.Current.Tokens, text.Current.Given, 0);
    }
}
