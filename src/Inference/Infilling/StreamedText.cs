using AsArm.Assd.Ordering;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Makes the updates of a streamed request from what its forward passes have done, on the thread of the caller who reads them.</summary>
/// <param name="text">The text at its first window; used by this object alone.</param>
internal sealed class StreamedText(WindowedText text)
{
    private bool _isAtEnd;
    private int _gaps; // of earlier windows
    private int _targets; // of earlier windows
    private int _reported; // targets of the current window

    /// <summary>Whether there are gaps that are not filled.</summary>
    public bool HasMore => !_isAtEnd;

    /// <summary>The update after a forward pass, not marked as the final one.</summary>
    public InfillUpdate Next(SequenceProgress progress)
    {
        Order order = progress.Order;
        InfillText window = text.Current;
        var committed = new bool[order.Length];
        foreach (int position in order.Positions[..(order.GivenCount + progress.LogProbabilities.Length)])
            committed[position] = true;
        string[] gaps = window.DecodeGaps(progress.Tokens, committed);
        int stable = window.StableLength(progress.Tokens, committed, out bool isComplete);
        string current = window.Fill(gaps);
        var update = new InfillUpdate(text.WithCurrent(current), progress.Statistics, IsFinal: false)
        {
            Committed = Committed(progress, committed),
            StableLength = text.Start + stable + (isComplete ? text.GivenAfter : 0),
        };
        _reported = progress.LogProbabilities.Length;
        if (progress.IsComplete)
            MoveNext(current, gaps.Length);
        return update;
    }

    private List<CommittedToken> Committed(SequenceProgress progress, bool[] committed)
    {
        var tokens = new List<CommittedToken>();
        for (int i = _reported; i < progress.LogProbabilities.Length; i++)
        {
            int position = progress.Order.Positions[progress.Order.GivenCount + i];
            (int gap, int index) = text.Current.PlaceOf(position);
            string shown = text.Current.TokenText(position, progress.Tokens, committed);
            tokens.Add(new CommittedToken(_gaps + gap, index, new TokenScore(progress.Tokens[position], shown, progress.LogProbabilities[i], _targets + i)));
        }

        return tokens;
    }

    private void MoveNext(string filled, int gaps)
    {
        (_gaps, _targets, _reported) = (_gaps + gaps, _targets + _reported, 0);
        _isAtEnd = !text.MoveNext(filled);
    }
}
