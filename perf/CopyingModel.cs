using AsArm.Assd;

namespace AsArm.Perf;

/// <summary>
/// A model that costs nothing but a copy. Drafts and oracles of a target get different rows of a small pool, so that some
/// proposals are kept and some are not.
/// </summary>
internal sealed class CopyingModel : IAnySubsetModel
{
    private const int PoolSize = 16;

    private readonly float[][] _pool;

    public CopyingModel(int vocabularySize, int maximumLength)
    {
        VocabularySize = vocabularySize;
        MaximumLength = maximumLength;
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

    public int MaximumLength { get; }

    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        foreach (SequenceCall call in calls)
        {
            for (int i = 0; i < call.Conditionals.Length; i++)
                Answer(call.Conditionals[i], call.Row(i));
        }
    }

    public void Answer(Conditional conditional, Span<float> row) =>
        _pool[(conditional.Rank + 7 * conditional.Horizon) % PoolSize].CopyTo(row);
}
