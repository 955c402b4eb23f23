using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Scheduling;

/// <summary>
/// What a request needs of the model, in steps: sequences that are evaluated together, usually one, and then perhaps others that depend on them. The members
/// are never called at the same time. All but <see cref="MoveNext" /> are called on the thread of the scheduler, which they hold up.
/// </summary>
internal interface ISequenceJob
{
    /// <summary>Number of sequences of the current step; 0 only after <see cref="MoveNext" /> has found that nothing is left to do.</summary>
    int SequenceCount => 1;

    /// <summary>Whether another step may follow the current one.</summary>
    bool HasMore { get; }

    /// <summary>Creates the sampler of a sequence, when there is a place for it.</summary>
    /// <param name="index">Its index in the current step. Each is started once, in this order.</param>
    (Sampler Sampler, IRandomSource Random) Start(int index);

    /// <summary>Called after each forward pass of sequences of the current step.</summary>
    void OnForwardPass();

    /// <summary>Called when a sequence is done, after <see cref="OnForwardPass" />: keeps what is needed of its sampler, and releases it.</summary>
    /// <param name="index">Its index in the current step.</param>
    void EndSequence(int index);

    /// <summary>Prepares the next step, if <see cref="HasMore" />; may take long.</summary>
    void MoveNext();
}
