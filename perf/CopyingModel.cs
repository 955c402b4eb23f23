using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Perf;

/// <summary>
/// A model that costs nothing but a copy. Drafts and oracles of a target get different rows of a small pool, so that some
/// draft tokens are kept and some are not.
/// </summary>
internal sealed class CopyingModel : IAnySubsetModel
{
    private const int PoolSize = 16;

    private readonly float[][] _pool;

    public CopyingModel(int vocabularySize, int maxLength)
    {
        VocabularySize = vocabularySize;
        MaxLength = maxLength;
        float[] common = Rows.Random(vocabularySize, seed: 100);
        _pool = new float[PoolSize][];
        for (int i = 0; i < PoolSize; i++)
        {
            _pool[i] = Rows.Random(vocabularySize, seed: i);
            for (int token = 0; token < vocabularySize; token++)
                _pool[i][token] = common[token] + 0.5f * _pool[i][token];
        }
    }

    public int VocabularySize { get; }

    public int MaxLength { get; }

    /// <summary>That of the default model.</summary>
    public int StateSize => 384;

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        foreach (SequenceState state in states)
        {
            for (int i = 0; i < state.Conditionals.Length; i++)
                Answer(state.Conditionals[i], state.Row(i));
            state.States.Fill(0.5f);
        }
    }

    public void Answer(Conditional conditional, Span<float> row) =>
        _pool[(conditional.Rank + 7 * conditional.Horizon) % PoolSize].CopyTo(row);
}
