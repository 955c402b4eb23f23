using System.Numerics.Tensors;
using AsArm.Assd.Ngrams;

namespace AsArm.Assd.DraftHeads;

/// <summary>
/// The draft of a <see cref="DraftHead" /> for one target: r(x) exp(c(x) / T), times the odds of n-grams to a power, on a shortlist of
/// tokens that are likely by the row or by n-grams; on all others the row r times one factor. The work is in the shortlist, so that a
/// large vocabulary costs little.
/// </summary>
internal sealed class HeadDraft
{
    /// <summary>Tokens with at least this probability by the row or by the n-grams are on the shortlist.</summary>
    private const float ShortlistProbability = 1f / 512;

    private const int BlockSize = 64; // of the row, of which most have no token of the shortlist
    private const int MaxShortlist = 2 * 512 + 2; // two distributions, and what rounding may add

    /// <summary>Corrections beyond this are cut off: exp of the difference of two is finite in float32.</summary>
    private const float MaxCorrection = 40;

    private readonly DraftHead _head;
    private readonly float _exponent;
    private readonly float[] _input;
    private readonly float[] _hidden;
    private readonly float[] _scratch;
    private readonly float[] _output;
    private readonly List<int> _shortlist;
    private readonly float[] _corrections = new float[MaxShortlist];

    /// <param name="head">The network.</param>
    /// <param name="exponent">1 / T.</param>
    public HeadDraft(DraftHead head, double exponent)
    {
        _head = head;
        _exponent = (float)exponent;
        _input = new float[head.StateSize + (DraftHeadWeights.ContextTokens * head.Rank)];
        _hidden = new float[head.HiddenSize];
        _scratch = new float[Math.Max(head.HiddenSize, head.Rank)];
        _output = new float[head.Rank];
        _shortlist = new(MaxShortlist);
    }

    /// <summary>Writes the draft of a target, unnormalised.</summary>
    /// <param name="row">r [V], a distribution at the temperature T.</param>
    /// <param name="state">[S] the state of the query of the row.</param>
    /// <param name="context">The tokens one and two positions before the target, and a rejected one that the row has seen before it; -1 where there is none.</param>
    /// <param name="ngrams">The n-gram draft of the target; null for none.</param>
    /// <param name="weights">[V] the result.</param>
    public void Write(ReadOnlySpan<float> row, ReadOnlySpan<float> state, ReadOnlySpan<int> context, NgramDraft? ngrams, Span<float> weights)
    {
        ComputeOutput(state, context);
        CollectShortlist(row, ngrams);
        Span<float> corrections = _corrections.AsSpan(0, _shortlist.Count);
        for (int i = 0; i < corrections.Length; i++)
            corrections[i] = Correction(_shortlist[i], ngrams);
        float others = OthersCorrection(row, corrections);
        float largest = Math.Max(others, corrections.IsEmpty ? others : TensorPrimitives.Max(corrections));
        TensorPrimitives.Multiply(row, MathF.Exp(others - largest), weights);
        TensorPrimitives.Subtract(corrections, largest, corrections);
        TensorPrimitives.Exp(corrections, corrections);
        for (int i = 0; i < corrections.Length; i++)
            weights[_shortlist[i]] = row[_shortlist[i]] * corrections[i];
    }

    private void ComputeOutput(ReadOnlySpan<float> state, ReadOnlySpan<int> context)
    {
        state.CopyTo(_input);
        for (int place = 0; place < context.Length; place++)
            _head.Embed(place, context[place], _input.AsSpan(state.Length + (place * _head.Rank), _head.Rank));
        _head.Run(_input, _hidden, _scratch.AsSpan(0, _hidden.Length), _output);
    }

    private float Correction(int token, NgramDraft? ngrams)
    {
        float correction = _head.Correction(_output, token, _scratch.AsSpan(0, _output.Length)) * _exponent;
        if (ngrams is not null)
            correction += (float)(_head.NgramExponent * Math.Log(ngrams.Odds(token)));
        return float.IsNaN(correction) ? 0 : Math.Clamp(correction, -MaxCorrection, MaxCorrection); // products may overflow
    }

    private void CollectShortlist(ReadOnlySpan<float> row, NgramDraft? ngrams)
    {
        _shortlist.Clear();
        for (int start = 0; start < row.Length; start += BlockSize)
        {
            ReadOnlySpan<float> block = row.Slice(start, Math.Min(BlockSize, row.Length - start));
            if (TensorPrimitives.Max(block) >= ShortlistProbability)
                AddProbable(row, start, start + block.Length);
        }

        AddLikely(row, ngrams);
    }

    private void AddProbable(ReadOnlySpan<float> row, int start, int end)
    {
        for (int token = start; token < end; token++)
        {
            if (row[token] >= ShortlistProbability)
                _shortlist.Add(token);
        }
    }

    /// <summary>Adds those that are likely by n-grams only, without those that the row excludes.</summary>
    private void AddLikely(ReadOnlySpan<float> row, NgramDraft? ngrams)
    {
        int likely = _shortlist.Count;
        ngrams?.AddLikely(ShortlistProbability, _shortlist);
        int kept = likely;
        for (int i = likely; i < _shortlist.Count; i++)
        {
            if (row[_shortlist[i]] is > 0 and < ShortlistProbability)
                _shortlist[kept++] = _shortlist[i];
        }

        _shortlist.RemoveRange(kept, _shortlist.Count - kept);
    }

    /// <summary>The correction of tokens that are not on the shortlist: the mean of the others, weighted by the row.</summary>
    private float OthersCorrection(ReadOnlySpan<float> row, ReadOnlySpan<float> corrections)
    {
        double sum = 0, mass = 0;
        for (int i = 0; i < corrections.Length; i++)
        {
            double weight = row[_shortlist[i]];
            mass += weight;
            sum += weight * corrections[i];
        }

        return mass > 0 ? (float)(sum / mass) : 0;
    }
}
