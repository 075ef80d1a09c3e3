import { followOnLab } from './docs/follow-on-lab.ts';
import { describeStory } from './story/tell-on-lab.ts';

describeStory('the story on real components', 'lab', { 6: followOnLab });
